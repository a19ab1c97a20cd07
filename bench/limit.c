/* What no way of counting with dense bitsets can undercut: each option's bits are read once. */
#include <stddef.h>
#include <stdint.h>

/* counts[i] = bits set both in `mask` and in option i; an option is `words` words of 64 bits. */
void count_options(const uint64_t *options, size_t how_many, const uint64_t *mask, size_t words,
                   uint64_t *counts) {
    for (size_t i = 0; i < how_many; i++) {
        const uint64_t *option = options + i * words;
        uint64_t count = 0;
        for (size_t word = 0; word < words; word++)
            count += (uint64_t)__builtin_popcountll(option[word] & mask[word]);
        counts[i] = count;
    }
}
