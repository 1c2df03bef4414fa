import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/proof/**", "test/stories/**", "node_modules/**"],
    globalSetup: "test/support/global-setup.ts",
    // A process for all the files of a worker: 2 s instead of 26 s. No test may rely on another's globals.
    isolate: false,
    // Each with a PostgreSQL of its own.
    maxWorkers: process.env.TEST_DATABASE_URL ? 1 : 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
