/* The list of conversations: a new one on top, and finding one by its title. Loaded on first use. */

const list = document.getElementById("conversations");

/** Put a conversation that has just begun on top and mark it as the open one. */
export function add(url, title, parts) {
  for (const open of list.querySelectorAll('[aria-current="true"]')) open.removeAttribute("aria-current");
  let today = list.querySelector('[data-day="today"]');
  if (!today) {
    today = parts("today");
    const newest = list.querySelector("[data-day]");
    if (newest) newest.before(today);
    else list.querySelector("[data-part=list]").append(today);
  }
  const row = parts("conversation");
  row.href = url;
  row.setAttribute("aria-current", "true");
  row.querySelector("b").textContent = title;
  today.after(row);
  list.querySelector("[data-part=empty]")?.remove();
}

/** Show only rows whose title holds what is typed. */
export function search(input) {
  if (input.dataset.ready) return;
  input.dataset.ready = "yes";
  const filter = () => {
    const wanted = input.value.trim().toLocaleLowerCase();
    for (const row of list.querySelectorAll(".conv[data-title]")) {
      row.hidden = !row.textContent.toLocaleLowerCase().includes(wanted);
    }
    for (const day of list.querySelectorAll("[data-day]")) {
      let next = day.nextElementSibling;
      while (next?.matches(".conv") && next.hidden) next = next.nextElementSibling;
      day.hidden = !next?.matches(".conv");
    }
  };
  input.addEventListener("input", filter);
  filter();
}
