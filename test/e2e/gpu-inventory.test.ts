import assert from 'node:assert/strict';
import { test } from 'node:test';
import { H100, nvidiaSmiScript, RTX_4090 } from '../support/nvidia-smi-script.ts';
import { ServerProcess } from '../support/server-process.ts';

const TIME_OUT_MS = 60_000;

interface Devices {
  readonly data: readonly {
    readonly id: string;
    readonly state: string;
    readonly worker_id: string | null;
  }[];
  readonly cuda_version: string | null;
}

test(
  'a server on a machine of two kinds of GPU gives what is free, by kind, and shows the rest',
  { timeout: TIME_OUT_MS },
  async () => {
    const signal = AbortSignal.timeout(TIME_OUT_MS - 10_000);
    const script = await nvidiaSmiScript();
    await script.answer(
      [
        { index: 0, uuid: 'GPU-a', ...RTX_4090 },
        { index: 1, uuid: 'GPU-b', ...H100, usedMib: 60_000 },
        { index: 2, uuid: 'GPU-c', ...H100 },
      ],
      { processes: ['GPU-b, 4711, 59990, /usr/bin/python3'] },
    );
    const server = await ServerProcess.start({
      gpus: null,
      environment: { PATH: script.environment['PATH'] ?? '' },
    });
    try {
      const devices = async (): Promise<string[]> => {
        const { data } = await server.api<Devices>('GET', '/gpus/v2/devices');
        return data.map(({ id, state }) => `${id} ${state}`);
      };
      // The first look at who uses them ends a moment after the start.
      while (!(await devices()).includes('GPU-b usedByOthers') && !signal.aborted)
        await new Promise((resume) => setTimeout(resume, 20));
      assert.deepEqual(await devices(), ['GPU-a free', 'GPU-b usedByOthers', 'GPU-c free']);
      const products = await server.api<{
        data: { id: string; resource_spec: { gpu: { available: number } } }[];
      }>('GET', '/gpus/v2/products?category=serverless&type=gpu');
      assert.deepEqual(
        products.data.map((product) => `${product.id} ${product.resource_spec.gpu.available}`),
        ['gpu 1', 'nvidia-geforce-rtx-4090 1', 'nvidia-h100-80gb-hbm3 1'],
      );
      const id = await server.create({
        product_id: 'nvidia-h100-80gb-hbm3',
        worker_config: { max_replicas: 1, min_replicas: 1, min_cuda_version: '12.8' },
      });
      await server.until(id, ({ workers }) => workers.some(({ health }) => health), signal);
      assert.deepEqual(await devices(), ['GPU-a free', 'GPU-b usedByOthers', 'GPU-c held']);
      const above = await server.request('PUT', `/gpus/v2/endpoints/${id}`, {
        worker_config: { max_replicas: 1, min_cuda_version: '13.0' },
      });
      assert.equal(above.status, 400);
      assert.match(await above.text(), /13\.0.*12\.8/);
    } finally {
      await server.dispose();
      await script.remove();
    }
  },
);
