import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import * as z from 'zod';
import { parseMachine } from '../certificate/machine.ts';
import type { Listing } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { computerBook } from '../judge/computer-book.ts';
import { rulesFrom, type StatedRecognition } from '../judge/criteria.ts';
import type { RecognitionRules } from '../judge/recognise.ts';
import { parseDigest } from './digests.ts';
import { readInput } from './input.ts';
import { tellError } from './output.ts';
import type { DirectorySettings } from './settings.ts';
import { tell } from './terminal.ts';

/**
 * What the command line says about whose certificates are.
 * @throws MsmqCertError usage, invalid-machine, invalid-manifest, file-unreadable
 */
export async function statedRecognition(settings: DirectorySettings): Promise<StatedRecognition> {
  const { subject = [], machineOf = [], machinesFrom } = settings;
  const listed = machinesFrom === undefined ? [] : await machinesInCsv(await readInput(machinesFrom), machinesFrom);
  const machinesOf: Record<string, string> = {};
  for (const [digest, machine] of [...listed, ...machineOf.map(parsePair)]) {
    const known = machinesOf[digest];
    if (known !== undefined && known.toLowerCase() !== machine.toLowerCase()) throw statedTwice(digest, known, machine);
    machinesOf[digest] = machine;
  }
  return { subjects: subject, machinesOf };
}

function parsePair(text: string): [digest: string, machine: string] {
  const [, digest, machine] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (digest !== undefined && machine !== undefined) return [parseDigest(digest), parseMachine(machine)];
  throw new MsmqCertError('usage', `--machine-of ${text} is not of the form <digest>=<machine>`, {
    hint: 'give the digest as list prints it, an equals sign, and the name of the machine',
  });
}

const rowSchema = z.object({ digest: z.string().trim(), machine: z.string().trim() });

async function machinesInCsv(bytes: Buffer, file: string): Promise<[digest: string, machine: string][]> {
  try {
    const parser = parse({
      bom: true,
      columns: true,
      skip_empty_lines: true,
      delimiter: [',', ';', '\t'],
    });
    const rows: unknown[] = await Readable.from([bytes]).pipe(parser).toArray();
    return rows.map((row) => {
      const { digest, machine } = rowSchema.parse(row);
      return [parseDigest(digest), parseMachine(machine)];
    });
  } catch (cause) {
    if (cause instanceof MsmqCertError) throw cause;
    throw new MsmqCertError('invalid-manifest', `${file} is no list of machines by digest`, {
      hint: 'write a CSV file with the columns digest and machine',
      cause,
    });
  }
}

function statedTwice(digest: string, one: string, other: string): MsmqCertError {
  return new MsmqCertError('usage', `the certificate ${digest} is stated to be that of ${one} and of ${other}`, {
    hint: 'leave one of them out',
  });
}

export interface Recognition extends RecognitionRules {
  /** Says on standard error which of the stated digests no certificate had. */
  tellUnused(): void;
}

export function tellNoComputers(): void {
  tell('note: computer accounts cannot be read, so certificates of other makers are known only by what is stated');
}

const SHOWN = 5;

/** The rules by which the certificates of a directory are recognised. */
export function recognitionIn(directory: Pick<Listing, 'computersNamed'>, stated: StatedRecognition): Recognition {
  const computers = computerBook(directory, (error) => {
    tellNoComputers();
    if (error !== null) tellError(error);
  });
  const rules = rulesFrom(stated, computers);
  const unused = new Set(Object.keys(stated.machinesOf));
  return {
    ...rules,
    stated: {
      get(digest) {
        unused.delete(digest);
        return rules.stated.get(digest);
      },
    },
    tellUnused() {
      const digests = [...unused];
      const more = digests.length > SHOWN ? ` and ${digests.length - SHOWN} more` : '';
      if (digests.length > 0)
        tell(
          `note: no certificate has a digest that a machine was stated for: ${digests.slice(0, SHOWN).join(', ')}${more}`,
        );
    },
  };
}
