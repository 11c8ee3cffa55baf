// The recording: a button that says for how long it has been running, by what it has written.

export class Recording {
  constructor(button, { api, failed }) {
    Object.assign(this, { button, api, failed });
    button.addEventListener("click", async () => {
      try {
        this.#draw(await api.post(`v1/recording/${this.on ? "stop" : "start"}`));
      } catch (error) {
        failed(error);
      }
    });
  }

  async read() {
    this.#draw(await this.api.get("v1/recording"));
  }

  #draw({ on, bytes, lost_segments: lost }) {
    this.on = on;
    const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    this.button.textContent = on ? `Stop recording (${size}${lost ? `, ${lost} lost` : ""})` : "Record";
    this.button.setAttribute("aria-pressed", String(on));
  }
}
