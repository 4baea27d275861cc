// Adds tooltips, and legends that hide series. Pages are complete without it, and it reads only its
// own page.
"use strict";

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

for (const picture of document.querySelectorAll(".picture")) {
  picture.addEventListener("pointermove", (event) => {
    const mark = event.target.closest("[aria-label]");
    tip.hidden = !mark || mark === picture;
    if (tip.hidden) return;
    tip.textContent = mark.getAttribute("aria-label");
    const space = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(0, Math.min(event.pageX + 12, space))}px`;
    tip.style.top = `${event.pageY + 14}px`;
  });
  picture.addEventListener("pointerleave", () => { tip.hidden = true; });
}

for (const entry of document.querySelectorAll(".legend [data-series]")) {
  const series = entry.dataset.series;
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "true");
  button.append(...entry.childNodes);
  entry.append(button);
  button.addEventListener("click", () => {
    const isShown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isShown));
    for (const mark of entry.closest("figure").querySelectorAll(".picture [aria-label]")) {
      const label = mark.getAttribute("aria-label");
      if (label === series || label.startsWith(`${series},`)) mark.classList.toggle("off", !isShown);
    }
  });
}
