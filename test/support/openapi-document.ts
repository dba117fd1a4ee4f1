import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { buildApi } from '../../src/api/build-api.ts';
import { EventReaders } from '../../src/api/event-readers.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { stubService } from './stub-endpoint-service.ts';
import { stubJobService } from './stub-job-service.ts';
import { stubResources } from './stub-resources.ts';
import { stubWhatIf } from './stub-what-if.ts';

/** Where the committed document lies. */
export const openApiFile = fileURLToPath(new URL('../../openapi/control-plane.json', import.meta.url));

/** The document as the routes make it now. */
export async function openApiText(): Promise<string> {
  const packageFile = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string };
  const quiet = (): void => undefined;
  const api = buildApi({
    service: stubService(),
    resources: stubResources(),
    whatIf: stubWhatIf(),
    jobs: stubJobService(),
    jobLimits: { inputBytes: 1_048_576 },
    apiKeys: () => undefined,
    clock: new ManualClock(),
    eventReaders: new EventReaders(new ManualClock()),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    readMetrics: async () => ({ contentType: 'text/plain', text: '' }),
    isServing: () => true,
    version,
  });
  await api.ready();
  const document = api.swagger();
  await api.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
