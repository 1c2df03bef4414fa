import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/proof/**", "node_modules/**"],
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
