// what a curve or bar says of itself → shown at once under the pointer, or the finger.

function showTips() {
  const tip = make("div", { class: "tip", hidden: "" });
  document.body.append(tip);
  let named = null; // the mark whose own, slow title is put aside meanwhile

  function leave() {
    if (named) named.mark.prepend(named.title);
    named = null;
    tip.hidden = true;
  }

  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest && event.target.closest(".chart svg *");
    if (named && mark === named.mark) return;
    leave();
    const title = mark && mark.querySelector("title");
    if (!title) return;
    named = { mark, title };
    title.remove();
    tip.textContent = title.textContent;
    tip.hidden = false;
    const frame = mark.getBoundingClientRect();
    const left = frame.left + frame.width / 2 - tip.offsetWidth / 2;
    tip.style.left = `${Math.min(Math.max(left, 4), document.documentElement.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.max(4, Math.min(frame.top, event.clientY) - tip.offsetHeight - 8)}px`;
  });
  document.addEventListener("scroll", leave, { passive: true });
}
