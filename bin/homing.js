#!/usr/bin/env node
// The entry: says in words what an older Node could only say in a stack trace.
const [major] = process.versions.node.split(".").map(Number);
if (major < 24) {
  process.stderr.write(
    `homing needs Node 24 or newer; this is ${process.version}. After "npm ci", "npx homing …" and "npm run …" use the Node 24 that came with it.\n`,
  );
  process.exit(1);
}
const { main } = await import("../src/main.ts");
await main(process.argv);
