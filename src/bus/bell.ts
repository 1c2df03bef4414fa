/** Lets one wait for what another brings: rung before somebody waits, it is heard at once. */
export class Bell {
  #rung = false;
  #heard: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#heard?.();
  }

  /** Resolves when it is rung, when the time is over, or when the signal comes. One may wait at a time. */
  async wait(signal: AbortSignal, ms?: number): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      const heard = () => resolve();
      this.#heard = heard;
      signal.addEventListener("abort", heard);
      await promise;
      signal.removeEventListener("abort", heard);
      clearTimeout(timer);
      this.#heard = undefined;
    }
    this.#rung = false;
  }
}

/** Resolves after that time, or when the signal comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Bell().wait(signal, ms);
}
