// Sound at the start. Browsers refuse to begin with sound on a page that nobody has touched, so the
// markup starts muted; where sound is allowed it comes on, else a large button offers it.

export function startMuted(video, button) {
  const allowed = navigator.getAutoplayPolicy?.("mediaelement") === "allowed" || navigator.userActivation?.hasBeenActive;
  video.muted = !allowed;
  const update = () => (button.hidden = !video.muted || video.paused || touched);
  let touched = false;

  button.addEventListener("click", () => {
    video.muted = false;
    touched = true;
    update();
  });
  for (const name of ["volumechange", "playing", "pause"]) {
    video.addEventListener(name, () => {
      // Whoever has had sound once knows where it is.
      if (!video.muted) touched = true;
      update();
    });
  }
}
