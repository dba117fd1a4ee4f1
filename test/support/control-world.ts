import assert from 'node:assert/strict';
import type { EndpointId } from '../../src/base/ids.ts';
import { workersOf } from '../../src/model/rollout-options.ts';
import type { EndpointView } from '../../src/ports/endpoint-service.ts';
import { CALLER, SimulatedWorld, type WorldSettings } from '../../src/simulate/world.ts';

export { CALLER };

/** A simulated world with what the tests of the control loops ask and assert again and again. */
export class ControlWorld extends SimulatedWorld {
  private constructor(settings: WorldSettings) {
    // Who has an eye on the watch behind a rollout says how long it is.
    super({ ...settings, rollout: { watchMs: 0, ...settings.rollout } });
    this.onEvent = () => this.check();
    this.traffic.onGiven = (endpointId, worker) => {
      const { rollout } = this.view(endpointId).endpoint;
      if (rollout?.state === 'failed' && rollout.toRevision === worker.revision)
        this.errors.push(`revision ${worker.revision} is marked as failed and was given a request`);
    };
  }

  static override async open(settings: WorldSettings = {}): Promise<ControlWorld> {
    const world = new ControlWorld(settings);
    await world.start();
    return world;
  }

  async create(body: Record<string, unknown> = {}): Promise<EndpointId> {
    const { worker_config: workerConfig, ...rest } = body;
    const { id } = await this.answerOf(
      this.control.service.create(
        {
          type: 'sync',
          name: 'test',
          product_id: 'cpu',
          image: 'host',
          command: 'start=300',
          worker_config: {
            max_replicas: 1,
            max_concurrent_per_worker: 4,
            request_timeout: 60,
            ...(workerConfig as object),
          },
          ...rest,
        },
        CALLER,
      ),
    );
    return id;
  }

  async update(endpointId: EndpointId, body: unknown): Promise<void> {
    await this.answerOf(this.control.service.update(endpointId, body, CALLER));
  }

  view(endpointId: EndpointId): EndpointView {
    return this.control.service.get(endpointId, CALLER);
  }

  get maxSurge(): number {
    return workersOf(this.options.rollout.maxSurge, 1);
  }

  /** "ready:1 starting:2": live workers by state and revision. */
  workers(endpointId: EndpointId): string {
    return this.view(endpointId)
      .workers.map((worker) => `${worker.state}:${worker.revision}`)
      .sort()
      .join(' ');
  }

  /** The invariants that hold at every moment. */
  check(): void {
    assert.deepEqual(this.errors, [], 'no error may be logged');
    const held = new Set<string>();
    const views = this.control.service.list(
      { limit: 1_000, cursor: '', keyword: '', ownerIds: [] },
      CALLER,
    ).views;
    for (const view of views) {
      let started = 0;
      for (const worker of view.workers) {
        if (worker.state !== 'pending' && worker.state !== 'draining' && worker.state !== 'stopping')
          started += 1;
        for (const id of worker.devices) {
          assert.ok(!held.has(id), `device ${id} is held twice`);
          held.add(id);
        }
      }
      const { maxReplicas } = view.endpoint.settings;
      assert.ok(
        started <= maxReplicas + this.maxSurge || view.endpoint.deleting,
        `${started} workers with max_replicas ${maxReplicas}`,
      );
    }
  }
}
