import { openLdifFile } from '../../../src/directory/ldif/ldif-file.ts';

/**
 * Appends bytes to the blob of a user again and again, each time until its swap wins. It runs in a process of its own;
 * the exit code of an error is 1 and its code goes to the parent.
 */
const [file = '', name = '', letter = '', times = ''] = process.argv.slice(2);

// Where the size of files is limited, a write shall fail as on a full disk, not end the process.
process.on('SIGXFSZ', () => {});

async function append(): Promise<void> {
  const directory = await openLdifFile(file);
  const user = await directory.findUser(name);
  for (let round = 0; round < Number(times); round += 1) {
    const digest = Buffer.from(`${letter}${round}`.padEnd(16));
    for (let outcome = 'conflict'; outcome === 'conflict'; ) {
      const before = await directory.read(user);
      const blob = Buffer.concat([before.blob ?? Buffer.of(), Buffer.from(letter)]);
      outcome = (await directory.swap(user, before, { blob, digestsToAdd: [digest], digestsToDelete: [] })).kind;
    }
  }
}

await append().catch((error: unknown) => {
  process.send?.(error instanceof Error && 'code' in error ? error.code : String(error));
  process.exitCode = 1;
});
