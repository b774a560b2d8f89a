// Loaded into a worker: at SIGUSR2 the clock of its machine jumps ahead by an hour.
const HOUR_MS = 3_600_000;
const RealDate = Date;
let ahead = 0;
process.on('SIGUSR2', () => {
  ahead = HOUR_MS;
});
globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + ahead);
    else super(...parts);
  }
  static now() {
    return RealDate.now() + ahead;
  }
};
