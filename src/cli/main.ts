#!/usr/bin/env node
// Older versions of Node do not know some of what the rest imports, so it is only loaded by one that does.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  const { main } = await import('./program.ts');
  await main();
} else {
  const { tell } = await import('./terminal.ts');
  tell(`msmq-cert needs Node.js 22.18 or later, and this is ${process.versions.node}`);
  process.exitCode = 2;
}
