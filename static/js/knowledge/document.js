// Two panes that scroll by themselves: bring the named chunk into view in the list as well.

const current = document.querySelector(".chunk[aria-current]");
const list = current?.closest(".scroll");
if (list) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;
