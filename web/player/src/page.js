// Small conveniences of every page. All of them work without it.

const lang = document.documentElement.lang;
const formats = {
  date: new Intl.DateTimeFormat(lang, { dateStyle: "medium" }),
  moment: new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" }),
};

// The server writes UTC; here the visitor's own time zone is known.
for (const time of document.querySelectorAll("time[data-local]")) {
  time.title = time.textContent;
  time.textContent = formats[time.dataset.local].format(new Date(time.dateTime));
}

// A new entry of a schedule is in the time zone of whoever plans it.
for (const zone of document.querySelectorAll("input[name=time_zone]")) {
  if (zone.value === "") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// Where the tabs do not fit, the present one is in sight.
for (const current of document.querySelectorAll(".tabs a[aria-current]")) {
  const tabs = current.parentElement;
  if (tabs.scrollWidth > tabs.clientWidth) tabs.scrollLeft = current.offsetLeft - tabs.clientWidth / 3;
}

// Menus close where people expect it: with Escape and with a click elsewhere.
const menus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
