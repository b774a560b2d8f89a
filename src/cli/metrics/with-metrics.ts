import { toMsmqCertError } from '../../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { tellError } from '../output.ts';
import { type Metrics, startMetrics } from './metrics.ts';

/**
 * Does something that sets the exit code and writes the metrics file afterwards, also when it failed.
 * @throws MsmqCertError what it throws, and usage
 */
export async function withMetrics(
  command: string,
  settings: Parameters<typeof startMetrics>[1],
  run: (metrics: Metrics) => Promise<void>,
): Promise<void> {
  const metrics = startMetrics(command, settings);
  try {
    await run(metrics);
  } catch (error) {
    metrics.stopped(toMsmqCertError(error).code);
    throw error;
  } finally {
    await metrics.write().catch((error) => {
      tellError(toMsmqCertError(error));
      process.exitCode ||= exitCodes.someFailed;
    });
  }
}
