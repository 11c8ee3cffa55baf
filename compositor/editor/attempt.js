// What a panel does when somebody asks for something: it is done, and the panel reads again what
// there is then; or it is said why not.

export async function attempt(panel, work) {
  try {
    await work();
    await panel.read();
  } catch (error) {
    panel.failed(error);
  }
}
