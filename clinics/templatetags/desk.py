"""What waits, for pages of the admin that are not the desk."""

from django import template

from clinics.desk import desk_of, queues_for

register = template.Library()


@register.simple_tag
def waiting_for(user, how_many: int = 3) -> dict | None:
    """What waits for this person: numbers for each queue and the oldest few; None for no queue.

    At most three queries for each queue.
    """
    if not queues_for(user):
        return None
    desk = desk_of(user)
    counts = [(queue, count) for queue, count in desk.counts() if count]
    return {
        "counts": counts,
        "total": sum(count for _queue, count in counts),
        "oldest": desk.entries(0, how_many),
    }
