export async function demo(_options: { once?: boolean }): Promise<void> {}
