"""The named styles of the model, and how each raw label of the corpus merges into them.

A style is one token in front of a document. There are at most 24 (the vocabulary has that many style slots); the corpus
has some 70 raw labels, so most styles gather several. Two labels are special: NO_STYLE texts are learned without a style
(they belong to no register that a caller would ask for), and DROPPED texts are not learned at all.
"""

from __future__ import annotations

NO_STYLE = "none"
DROPPED = "dropped"

# name -> how it sounds. The order fixes the token ids (6, 7, ...): append only, never reorder.
STYLES: dict[str, str] = {
    "product": "Product copy: what it is, what it does for you, one concrete detail.",
    "tagline": "A slogan or a call to action of a few words.",
    "meta_description": "One or two sentences that tell a searcher what a page holds.",
    "headline": "A headline or page title, without a full stop.",
    "sms": "A short message from person to person, or from a shop to a customer.",
    "email": "A letter with a greeting, a reason and a close.",
    "support_reply": "A calm answer to a customer: what happened, what to do now.",
    "social_post": "A light public post or announcement in the first person or for an event.",
    "faq": "A direct answer to a question that customers ask.",
    "howto": "Steps, tips or a recipe, one action at a time.",
    "interface": "A line of an application: label, hint, empty state or error.",
    "alt_text": "A plain description of what a picture shows.",
    "definition": "Says what a thing is, in plain words.",
    "blog": "A personal or explaining opening of an article.",
    "review_positive": "A happy customer's review or testimonial.",
    "review_negative": "An unhappy customer's review.",
    "restaurant": "A line or two about a place to eat: food, price, area.",
    "story": "A small story with people, an event and an end.",
    "poem": "Verse, in short lines.",
    "dialogue": "Two voices taking turns, one line each.",
    "encyclopedia": "Encyclopedia prose about a person, place or thing.",
    "news": "A report: who, what, when, where.",
    "notice_plain": "A public notice in short and easy sentences.",
    "notice_formal": "A public notice in formal, official language.",
}

# raw label of the corpus -> style name, NO_STYLE or DROPPED
RAW_LABELS: dict[str, str] = {
    **{name: name for name in STYLES},
    # product
    "web_marketing": "product", "app_description": "product", "product_list": "product", "listing": "product", "about": "product",
    # tagline, headline, meta description
    "app_tagline": "tagline", "call_to_action": "tagline",
    "page_title": "headline",
    "web_summary": "meta_description",
    # messages
    "note": "sms", "letter": "email", "event": "social_post", "about_me": "social_post",
    # help
    "tips": "howto", "recipe": "howto",
    "explain": "definition", "tech_blurb": "definition",
    # longer prose
    "travel": "blog", "comparison": "blog", "fun": "blog", "recipe_intro": "blog", "essay": "blog",
    "summary": "news", "news_easy": "news", "news_intermediate": "news", "news_advanced": "news",
    "encyclopedia_simple": "encyclopedia", "biography": "encyclopedia", "place": "encyclopedia",
    # reviews
    "testimonial": "review_positive", "pros": "review_positive", "cons": "review_negative",
    # stories, verse, talk
    "tiny_story": "story", "kids_story": "story", "fairy_tale": "story", "fable": "story", "fiction_modern": "story",
    "scifi_story": "story", "horror_story": "story", "classic_story": "story", "mystery_story": "story", "joke": "story",
    "poem_classic": "poem", "shakespeare": "poem",
    "chat_dialogue": "dialogue", "service_dialogue": "dialogue",
    # notices
    "notice_easy": "notice_plain", "web_plain": "notice_plain", "job": "notice_plain", "web_formal": "notice_formal",
    # learned, but under no name
    "review_neutral": NO_STYLE, "review_mixed": NO_STYLE, "product_name": NO_STYLE, "speech": NO_STYLE,
    # not learned: bare lists of quantities
    "ingredients": DROPPED,
}

assert len(STYLES) <= 24, "the vocabulary has 24 style slots"


def style_of(raw_label: str) -> str:
    """The style a raw label merges into: a name of STYLES, NO_STYLE or DROPPED. Raises KeyError on an unknown label."""
    return RAW_LABELS[raw_label]
