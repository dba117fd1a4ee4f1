import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Job } from '../../src/worker/start.ts';
import { BucketServer } from './bucket-server.ts';
import { RunningWorker } from './running-worker.ts';
import { StubService } from './stub-service.ts';

const SMALL = { PILOTLIGHT_OUTPUT_LIMIT_BYTES: '100' };
const LONG = 'x'.repeat(200);

describe('outputs of a worker', { timeout: 20_000 }, () => {
  test('over the limit, without a bucket, fail the job and name the variables', async () => {
    await using service = await StubService.open();
    await using worker = new RunningWorker(service, { handler: () => LONG }, service.environment(SMALL));
    service.push({ id: 'a', input: null });
    const done = await service.seen('job-done');
    const { error } = JSON.parse(done.body) as { error: string };
    assert.match(error, /the output has 0\.0 MiB, and at most 0\.0 MiB are kept/);
    assert.match(error, /BUCKET_ENDPOINT_URL, BUCKET_ACCESS_KEY_ID and BUCKET_SECRET_ACCESS_KEY/);
    worker.stop();
    await worker.ended;
  });

  test('over the limit go to the bucket, and a link that works takes their place', async () => {
    await using service = await StubService.open();
    await using bucket = await BucketServer.open();
    await using worker = new RunningWorker(
      service,
      { handler: () => ({ text: LONG }) },
      service.environment({ ...SMALL, ...bucket.variables, BUCKET_NAME: 'outputs' }),
    );
    service.push({ id: 'job-1', input: null });
    const done = await service.seen('job-done');
    const { output } = JSON.parse(done.body) as { output: { output_url: string; bytes: number } };
    const link = new URL(output.output_url);
    assert.equal(link.pathname, '/outputs/job-1/output.json');
    assert.equal(link.searchParams.get('X-Amz-Expires'), '604800');
    const object = bucket.objects.get('/outputs/job-1/output.json');
    assert.equal(object?.contentType, 'application/json');
    assert.match(object.authorization, /^AWS4-HMAC-SHA256 Credential=access\/\d{8}\/us-east-1\/s3\//);
    assert.equal(output.bytes, object.body.length);
    const followed = await fetch(link, { headers: { connection: 'close' } });
    assert.deepEqual(await followed.json(), { text: LONG });
    worker.stop();
    await worker.ended;
  });

  test('a handler uploads what it wants, by default to the bucket of the month', async () => {
    await using service = await StubService.open();
    await using bucket = await BucketServer.open();
    await using worker = new RunningWorker(
      service,
      {
        handler: async (job: Job) => ({
          image: await job.upload('a b.png', Buffer.from('PNG'), 'image/png'),
        }),
      },
      service.environment(bucket.variables),
    );
    service.push({ id: 'job-1', input: null });
    await service.seen('job-done');
    // The worker's clock stands in November 2023.
    assert.deepEqual(
      [...bucket.objects].map(([path, { body, contentType }]) => [path, body, contentType]),
      [['/11-23/job-1/a%20b.png', 'PNG', 'image/png']],
    );
    worker.stop();
    await worker.ended;
  });

  test('a bucket that does not want them fails the job with what it said', async () => {
    await using service = await StubService.open();
    await using bucket = await BucketServer.open();
    bucket.refusal = 403;
    await using worker = new RunningWorker(
      service,
      { handler: () => LONG },
      service.environment({ ...SMALL, ...bucket.variables }),
    );
    service.push({ id: 'job-1', input: null });
    const done = await service.seen('job-done');
    assert.match(done.body, /^\{"error":.*Access Denied/);
    worker.stop();
    await worker.ended;
  });

  test('an upload without a bucket says what is missing', async () => {
    await using service = await StubService.open();
    await using worker = new RunningWorker(service, { handler: (job: Job) => job.upload('a', 'b') });
    service.push({ id: 'job-1', input: null });
    const done = await service.seen('job-done');
    assert.match(done.body, /there is no bucket to upload to: set BUCKET_ENDPOINT_URL/);
    worker.stop();
    await worker.ended;
  });
});
