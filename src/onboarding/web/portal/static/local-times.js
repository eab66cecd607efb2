// Shows times in the viewer's time zone. The server renders them in UTC for browsers without JavaScript.

const mediumFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const shortFormats = {
  time: new Intl.DateTimeFormat(undefined, { timeStyle: "short" }),
  day: new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" }),
};

export function localizeTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) continue;
    element.textContent = (shortFormats[element.dataset.format] ?? mediumFormat).format(time);
    element.title = fullFormat.format(time);
  }
  // Tooltips of chart bars.
  for (const title of root.querySelectorAll("title[data-time]")) {
    title.textContent = `${mediumFormat.format(new Date(title.dataset.time))}: ${title.textContent}`;
    delete title.dataset.time;
  }
}
