import { SingleBar } from 'cli-progress';
import { drawing, progressStream } from '../terminal.ts';

/** A bar on a terminal, the last line of it, on standard error. */
export interface Bar {
  draw(done: number, total: number, facts: object): void;
  /** Takes it away until it goes on. */
  pause(): void;
  goOn(): void;
  stop(): void;
}

/** cli-progress goes back to where the cursor was in the beginning; what was printed since would be overwritten. */
const stream: typeof progressStream = Object.create(progressStream, {
  write: { value: (text: string) => text === '\u001b7' || text === '\u001b8' || progressStream.write(text) },
});

/** @param format of cli-progress, with the names of the facts in braces */
export function drawnBar(format: string): Bar {
  let state: 'waiting' | 'shown' | 'stopped' = 'waiting';
  let last: Parameters<Bar['draw']> | null = null;
  const view = new SingleBar({
    stream,
    clearOnComplete: true,
    hideCursor: true,
    // cut at the width of the terminal, and drawn again below what was printed in its place
    linewrap: true,
    forceRedraw: true,
    format,
  });
  const hide = () => {
    if (state === 'shown') view.stop();
    drawing(false);
    state = 'stopped';
  };
  const draw: Bar['draw'] = (done, total, facts) => {
    last = [done, total, facts];
    if (state === 'stopped') return;
    if (state === 'waiting') {
      state = 'shown';
      drawing(true);
      view.start(total, done, facts);
    }
    view.setTotal(total);
    view.update(done, facts);
  };
  // also when a second signal ends the process: the cursor is hidden
  process.once('exit', hide);
  return {
    draw,
    pause: hide,
    goOn() {
      state = 'waiting';
      if (last !== null) draw(...last);
    },
    stop() {
      hide();
      process.off('exit', hide);
    },
  };
}
