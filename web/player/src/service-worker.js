// Shows what the server pushes, also while no page of it is open: JSON with a title, a text and the
// page to open.

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    // A message that is none of ours still has to be shown: the browser insists.
  }
  const { title = "Rivulet", body = "", icon, url = "/" } = message;
  event.waitUntil(self.registration.showNotification(title, { body, icon, tag: url, data: { url } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", self.location.origin);
  // Only pages of our own are opened, whatever the message says.
  if (url.origin === self.location.origin) event.waitUntil(self.clients.openWindow(url));
});
