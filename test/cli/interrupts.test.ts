import assert from 'node:assert/strict';
import { endOnSignals, watchInterrupts } from '../../src/cli/running/interrupts.ts';

describe('interrupts on Windows', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP'] as const) {
    it(`stop a run: ${signal}`, () => {
      const before = listeners();
      endOnSignals('win32');
      let told = 0;
      const interrupts = watchInterrupts(() => told++);
      try {
        process.emit(signal, signal);
        assert.equal(told, 1);
        assert.equal(interrupts.signal.reason.code, 'interrupted');
      } finally {
        interrupts.release();
        for (const [name, listener] of listeners()) {
          if (!before.some(([, known]) => known === listener)) process.off(name, listener);
        }
      }
    });
  }

  function listeners() {
    const names = ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP'] as const;
    return names.flatMap((name) => process.listeners(name).map((listener) => [name, listener] as const));
  }
});
