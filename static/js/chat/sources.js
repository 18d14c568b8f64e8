/* What evidence panel and quote share: an answer's sources, their place, the marked sentence. */

/** Return { sources, citations } kept with an answer. */
export function sourcesOf(article) {
  const { sources = [], citations = [] } = JSON.parse(
    article.querySelector('script[type="application/json"]').textContent || "{}",
  );
  return { sources, citations };
}

/** Say where in the document the passage stands. */
export function placeOf({ page, heading }, words) {
  const path = document.documentElement.dir === "rtl" ? heading.replaceAll(" › ", " ‹ ") : heading;
  return [page ? words.t("page", { page: String(page) }) : "", path].filter(Boolean).join(" · ");
}

/** Return the text as nodes, the sentence in it marked. */
export function marked(text, sentence) {
  const at = sentence ? text.indexOf(sentence) : -1;
  if (at < 0) return [document.createTextNode(text)];
  const mark = document.createElement("mark");
  mark.textContent = sentence;
  return [document.createTextNode(text.slice(0, at)), mark, document.createTextNode(text.slice(at + sentence.length))];
}
