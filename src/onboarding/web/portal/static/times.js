// Times in the viewer's zone. The server writes them in UTC, which stays readable where this does not run.

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const short = {
  time: new Intl.DateTimeFormat(undefined, { timeStyle: "short" }),
  day: new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" }),
};

export function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.textContent = (short[element.dataset.short] ?? shown).format(moment);
    element.title = exact.format(moment);
  }
  // What a pointer on a bar tells.
  for (const title of root.querySelectorAll("title[data-at]")) {
    title.textContent = `${shown.format(new Date(title.dataset.at))}: ${title.textContent}`;
    delete title.dataset.at;
  }
}
