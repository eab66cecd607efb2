// The list of products: the number of chosen ones, and the progress of a change of their status.

import { followEdit } from "./catalog-update.js";

connectChoice();
document.querySelector("#edit-result[role=alert]")?.focus();
followEdit(connectChoice);

function connectChoice() {
  const actions = document.getElementById("choice-actions");
  if (!actions) return;
  const all = document.getElementById("choose-all");
  const boxes = [...document.querySelectorAll("input[name=product_id]")];
  all.hidden = !boxes.length;
  const showCount = () => {
    const count = boxes.filter((box) => box.checked).length;
    const text = count === 1 ? "1 product" : `${count.toLocaleString()} products`;
    for (const element of actions.querySelectorAll("[data-chosen]")) element.textContent = text;
    actions.hidden = !count;
    document.getElementById("choice-hint").hidden = count > 0;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    return text;
  };
  const change = () => (document.getElementById("choice-announcement").textContent = `${showCount()} chosen`);
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    change();
  });
  for (const box of boxes) box.addEventListener("change", change);
  // The browser keeps the choice when the page is loaded again.
  showCount();
}
