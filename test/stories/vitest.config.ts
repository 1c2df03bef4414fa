import { defineConfig } from "vitest/config";

/** What a support person meets in the console, in a real browser: `npm run stories`. Needs Chromium; writes the pictures of `docs/`. */
export default defineConfig({
  test: {
    include: ["test/stories/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // One browser at a time.
    fileParallelism: false,
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
