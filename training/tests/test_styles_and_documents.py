from training.documents import facts_line, read_records, requests_for, to_document
from training.styles import DROPPED, NO_STYLE, RAW_LABELS, STYLES, style_of
from training.tests.conftest import CORPUS

# every raw label of the corpus, as its README and files have them
RAW_LABELS_SEEN = """
about about_me alt_text app_description app_tagline biography blog call_to_action chat_dialogue classic_story comparison cons definition
dialogue email encyclopedia encyclopedia_simple essay event explain fable fairy_tale faq fiction_modern fun headline horror_story howto
ingredients interface job joke kids_story letter listing meta_description mystery_story news news_advanced news_easy news_intermediate
note notice_easy notice_formal notice_plain page_title place poem poem_classic product product_list product_name pros recipe
recipe_intro restaurant review_mixed review_negative review_neutral review_positive scifi_story service_dialogue shakespeare sms
social_post speech story summary support_reply tagline tech_blurb testimonial tiny_story tips travel web_formal web_marketing
web_plain web_summary
""".split()


def test_every_raw_label_has_a_style_or_is_declared_without() -> None:
    for label in RAW_LABELS_SEEN:
        assert style_of(label) in {*STYLES, NO_STYLE, DROPPED}
    assert set(RAW_LABELS) == set(RAW_LABELS_SEEN)


def test_there_are_at_most_24_styles_and_each_says_how_it_sounds() -> None:
    assert len(STYLES) <= 24
    assert all(text.endswith(".") and len(text) > 10 for text in STYLES.values())


def test_a_record_becomes_a_document_with_its_request_and_facts() -> None:
    document = to_document({"text": " A lamp. ", "style": "product", "prompt": "lamp", "facts": {"price": 3}})
    assert document is not None
    assert (document.text, document.style, document.prompts, document.facts) == ("A lamp.", "product", ("lamp",), {"price": "3"})


def test_a_meaning_record_becomes_facts() -> None:
    document = to_document({"text": "x", "style": "restaurant", "mr": "name: The Punter | Type: pub | near: Café: Two"})
    assert document is not None
    assert facts_line(document.facts) == "name: The Punter; type: pub; near: Café: Two"


def test_titles_topics_and_keywords_become_requests() -> None:
    assert any("heron" in request for request in requests_for({"title": "heron"}, "encyclopedia"))
    assert "About two words" in requests_for({"keyword": "two_words"}, "tagline")
    assert "A poem by Hardy" in requests_for({"author": "Hardy"}, "poem")
    assert requests_for({}, "news") == ()


def test_dropped_labels_and_empty_texts_give_no_document() -> None:
    assert to_document({"text": "2 eggs", "style": "ingredients"}) is None
    assert to_document({"text": "  ", "style": "sms"}) is None


def test_the_tiny_corpus_reads() -> None:
    assert sum(to_document(record) is not None for record in read_records(CORPUS / "train" / "sample.jsonl")) == 31
