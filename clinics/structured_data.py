"""schema.org descriptions of clinics and lists, saying only what the page shows.

Sample listings get none: nothing fictional is offered to machines as a fact.
"""

from collections.abc import Callable

from .card_fragments import CardFragment
from .cards import PricedOffer
from .models import Clinic

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def clinic_list(cards: list[CardFragment], absolute: Callable[[str], str]) -> dict | None:
    """An ItemList of the clinics on this page. `absolute` makes a full address of a path."""
    real = [card for card in cards if not card.is_sample]
    if not real:
        return None
    site = absolute("/").removesuffix("/")
    return {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "itemListElement": [
            {"@type": "ListItem", "position": position, "name": card.name, "url": site + card.path}
            for position, card in enumerate(real, start=1)
        ],
    }


def clinic(
    listing: Clinic, offers: list[PricedOffer], absolute: Callable[[str], str]
) -> dict | None:
    """A MedicalClinic with its address, hours and priced offers. No query when loaded."""
    if listing.is_sample:
        return None
    is_spa = listing.facility_type == Clinic.FacilityType.SPA
    described = {
        "@context": "https://schema.org",
        "@type": "HealthAndBeautyBusiness" if is_spa else "MedicalClinic",
        "name": listing.name,
        "url": absolute(listing.get_absolute_url()),
        "address": {
            "@type": "PostalAddress",
            "streetAddress": listing.address,
            "postalCode": listing.postcode,
            "addressLocality": listing.place.name,
            "addressCountry": listing.place.country_id,
        },
        "telephone": listing.phone,
        "email": listing.email,
        "sameAs": listing.website,
        "knowsLanguage": [language.code for language in listing.languages.all()],
        "openingHoursSpecification": [
            {
                "@type": "OpeningHoursSpecification",
                "dayOfWeek": _DAYS[span.weekday],
                "opens": f"{span.opens:%H:%M}",
                "closes": f"{span.closes:%H:%M}",
            }
            for span in listing.opening_hours.all()
        ],
        "makesOffer": [_offer(priced, absolute) for priced in offers],
    }
    if listing.latitude is not None:
        described["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": float(listing.latitude),
            "longitude": float(listing.longitude),
        }
    return _without_empty(described)


def _offer(priced: PricedOffer, absolute: Callable[[str], str]) -> dict:
    offer = priced.offer
    described = {
        "@type": "Offer",
        "itemOffered": {
            "@type": "MedicalTherapy",
            "name": offer.treatment.name,
            "url": absolute(offer.treatment.get_absolute_url()),
        },
    }
    if offer.has_price:
        described["priceSpecification"] = {
            "@type": "UnitPriceSpecification",
            "minPrice": str(offer.price_low),
            "maxPrice": str(offer.price_high),
            "priceCurrency": offer.currency_id,
            "unitText": str(offer.get_unit_display()),
        }
    return described


def _without_empty(described: dict) -> dict:
    described["address"] = {key: value for key, value in described["address"].items() if value}
    return {key: value for key, value in described.items() if value}
