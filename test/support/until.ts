/** Asks until the answer is as it should be, and answers it; after 20 s it fails with the last one. The only waiting that tests do. */
export async function until<Value>(ask: () => Promise<Value> | Value, isRight: (value: Value) => boolean): Promise<Value> {
  let value = await ask();
  for (let left = 1000; !isRight(value); left -= 1) {
    if (left === 0) throw new Error(`it never came to be; at last it was ${JSON.stringify(value)}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 20);
    await promise;
    value = await ask();
  }
  return value;
}
