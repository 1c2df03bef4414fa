import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/proof/**", "test/stories/**", "node_modules/**"],
    globalSetup: "test/support/global-setup.ts",
    // One process for all files: 2 s instead of 26 s. No test may rely on another's globals.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
