/* Follows the newest text until the reader scrolls away; a button leads back. */

const NEAR_PX = 48;

/** Watch a scroller. Call `follow` after the content grew; `toEnd` to go there whatever the reader did. */
export function createScroll(scroller, jump) {
  let isFollowing = true;
  let last = 0;

  const distance = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

  function toEnd() {
    isFollowing = true;
    scroller.scrollTop = scroller.scrollHeight;
    last = scroller.scrollTop;
    jump.hidden = true;
  }

  function follow() {
    if (isFollowing) toEnd();
    else jump.hidden = distance() < NEAR_PX;
  }

  scroller.addEventListener("scroll", () => {
    const isUp = scroller.scrollTop < last - 1;
    last = scroller.scrollTop;
    if (isUp) isFollowing = false;
    if (distance() < NEAR_PX) isFollowing = true;
    jump.hidden = isFollowing;
  }, { passive: true });
  jump.addEventListener("click", toEnd);
  new ResizeObserver(follow).observe(scroller); // the keyboard or a growing composer took room
  return { follow, toEnd };
}
