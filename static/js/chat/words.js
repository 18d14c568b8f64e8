/* What the page says: the translated catalogue, and which sentence a state calls for. Pure. */

/** Wrap the catalogue: `t` fills {names} into a sentence, `n` picks the plural form for a count first. */
export function createWords({ language, decimal, sentences, plurals }) {
  const rules = new Intl.PluralRules(language);
  const show = (value) => (Number.isInteger(value) ? value : String(value).replace(".", decimal)); // as the server does
  const fill = (sentence, values) =>
    sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? show(values[name]) : whole));
  return {
    language,
    isRtl: new Set(["ar", "fa", "he", "ur"]).has(language.split("-")[0]),
    t: (key, values = {}) => fill(sentences[key] ?? key, values),
    n: (key, count, values = {}) => {
      const forms = plurals[key] || {};
      return fill(forms[rules.select(count)] ?? forms.other ?? key, { n: count, ...values });
    },
  };
}

const ICONS = {
  queued: "clock", searching: "search", reading: "pages", writing: "edit", stopping: "stop", warming_up: "refresh",
};

/** Say how a running reply stands: { icon, text, isWaiting }. */
export function replyLine(reply, { t, n }, documents) {
  const stage = reply.isStopping ? "stopping" : reply.stage;
  const line = (text, more = {}) => ({ icon: ICONS[stage] || "clock", text, ...more });
  if (stage === "queued" && reply.queue) return line(queueText(reply.queue, { t, n }), { place: reply.queue.position });
  if (stage === "searching") return line(n("searching", documents), { isWaiting: true });
  if (stage === "reading" && reply.part) return line(t("reading_part", reply.part), { isWaiting: true });
  if (stage === "reading" && reply.sources.length) return line(n("reading", reply.sources.length), { isWaiting: true });
  if (stage === "warming_up") return line(t("warming_up"), { isSpinning: true });
  if (stage === "writing") return line(t("writing"));
  if (stage === "stopping") return line(t("stopping"));
  return line(t("working"), { isWaiting: true });
}

function queueText({ position, eta }, { t, n }) {
  const isNext = position <= 1;
  if (typeof eta !== "number") return isNext ? t("queued_next") : t("queued", { position });
  const [unit, amount] = eta < 90 ? ["seconds", Math.max(1, Math.round(eta))] : ["minutes", Math.round(eta / 60)];
  return n(`${isNext ? "queued_next" : "queued"}_${unit}`, amount, { position });
}

/** Say where in its document a passage stands; a path that begins with the title goes on after it. */
export function placeOf({ page, heading = "", title = "" }, { t, isRtl }) {
  const steps = heading.split(" › ").filter((step, at) => step && (at > 0 || step !== title));
  return [page ? t("page", { page: String(page) }) : "", steps.join(isRtl ? " ‹ " : " › ")].filter(Boolean).join(" · ");
}

/** Say what is wrong with the connection, or null. */
export function connectionLine({ status, retryAt }, { t, n }, now, hasUnsent) {
  if (status === "offline") return { icon: "off", text: t(hasUnsent ? "offline_unsent" : "offline") };
  if (status === "closed") return { icon: "off", text: t("closed") };
  if (status === "connecting") return { icon: "off", text: t("connecting") };
  if (status !== "lost") return null;
  return { icon: "off", text: n("lost", Math.max(1, Math.ceil((retryAt - now) / 1000))), action: "retry" };
}
