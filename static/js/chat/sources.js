/* What evidence panel and quote share: an answer's sources, the marked sentence. */

/** Return { sources, citations } kept with an answer. */
export function sourcesOf(article) {
  const { sources = [], citations = [] } = JSON.parse(
    article.querySelector('script[type="application/json"]').textContent || "{}",
  );
  return { sources, citations };
}

/** Return the text as nodes, the sentence in it marked. */
export function marked(text, sentence) {
  const at = sentence ? text.indexOf(sentence) : -1;
  if (at < 0) return [document.createTextNode(text)];
  const mark = document.createElement("mark");
  mark.textContent = sentence;
  return [document.createTextNode(text.slice(0, at)), mark, document.createTextNode(text.slice(at + sentence.length))];
}
