import { defineConfig } from "vitest/config";

/** Shows that take minutes, kill processes or need tools that a bare machine lacks: `npm run proof`. Each prints its figures. */
export default defineConfig({
  test: {
    include: ["test/proof/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // One show at a time: they measure, and each brings several processes.
    fileParallelism: false,
    isolate: false,
    disableConsoleIntercept: true,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
