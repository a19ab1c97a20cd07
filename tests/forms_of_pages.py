"""Forms as a browser would send them back."""

from html.parser import HTMLParser


class Form(HTMLParser):
    """What a browser would send back of the largest form on a page."""

    def __init__(self, html):
        super().__init__()
        self.values, self.select, self.text = {}, None, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name = attrs.get("name", "")
        if tag == "input" and "disabled" not in attrs and name:
            kind = attrs.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in attrs:
                return
            if kind not in ("submit", "file", "button"):
                value = attrs.get("value", "on" if kind == "checkbox" else "")
                self.values.setdefault(name, []).append(value)
        elif tag == "select" and "disabled" not in attrs:
            self.select = name
        elif tag == "option" and self.select and "selected" in attrs:
            self.values.setdefault(self.select, []).append(attrs.get("value", ""))
        elif tag == "textarea":
            self.text = name
            self.values[name] = [""]

    def handle_endtag(self, tag):
        if tag == "select":
            self.select = None
        elif tag == "textarea":
            self.text = None

    def handle_data(self, data):
        if self.text:
            self.values[self.text][0] += data


def form_of(client, path) -> dict:
    """The values of the form at `path`, ready to be sent back."""
    response = client.get(path)
    assert response.status_code == 200
    return Form(response.content.decode()).values
