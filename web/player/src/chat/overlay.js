// The chat as a layer over a picture: only the newest lines, which fade after a while.

// Fades each line `data-fade` seconds after it came; without it they stay as long as there is room.
export function overlay(box, view) {
  if (Number(box.dataset.size) > 0) box.style.fontSize = `${box.dataset.size}px`;
  const seconds = Number(box.dataset.fade);
  if (!(seconds > 0)) return;
  const list = view.log.querySelector("ol");
  const fade = (line) => setTimeout(() => line.classList.add("chat-faded"), seconds * 1000);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const line of addedNodes) fade(line);
  }).observe(list, { childList: true });
  for (const line of list.children) fade(line);
}
