import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import { ErrorAnswer, UpdateAnswer, WorkerObject } from '../model/answer-schema.ts';
import { ProductObject, RegionObject } from '../model/catalog-schema.ts';
import {
  EndpointCreateBody,
  EndpointObject,
  EndpointUpdateBody,
  EndpointWorker,
  Status,
} from '../model/endpoint-schema.ts';
import {
  DeliveryObject,
  JobHealthObject,
  JobItem,
  JobRunBody,
  JobStatusObject,
} from '../model/job-schema.ts';
import { PlanStep, UpdatePlan } from '../model/plan-schema.ts';
import {
  PrewarmBody,
  PrewarmTaskObject,
  RegistryAuthBody,
  RegistryAuthObject,
  ResourceUser,
  VolumeBody,
  VolumeChangeBody,
  VolumeObject,
} from '../model/resource-schema.ts';
import { EventObject } from '../model/event-schema.ts';
import { RequestObject, WorkerRequest } from '../model/request-schema.ts';
import { DeviceObject } from '../model/device-schema.ts';
import { RolloutDetails } from '../model/rollout-view-schema.ts';
import { RevisionItem, RevisionObject, RollbackBody } from '../model/revision-schema.ts';
import {
  AdvisedSettingsObject,
  SimulateAnswer,
  SimulateBody,
  SimulatedRunObject,
} from '../model/simulate-schema.ts';

/** The schemas that the document names; routes refer to them by `$id`. */
const NAMED: readonly TSchema[] = [
  ErrorAnswer,
  Status,
  EndpointWorker,
  EndpointObject,
  EndpointCreateBody,
  EndpointUpdateBody,
  UpdateAnswer,
  PlanStep,
  UpdatePlan,
  RollbackBody,
  RevisionItem,
  RevisionObject,
  SimulateBody,
  SimulatedRunObject,
  AdvisedSettingsObject,
  SimulateAnswer,
  WorkerObject,
  RequestObject,
  WorkerRequest,
  DeviceObject,
  EventObject,
  RolloutDetails,
  ResourceUser,
  RegistryAuthBody,
  RegistryAuthObject,
  VolumeBody,
  VolumeChangeBody,
  VolumeObject,
  PrewarmBody,
  PrewarmTaskObject,
  ProductObject,
  RegionObject,
  JobRunBody,
  JobItem,
  JobStatusObject,
  JobHealthObject,
  DeliveryObject,
];

/** Makes the OpenAPI document out of the routes that are added afterwards. */
export function describeRoutes(app: FastifyInstance, version: string): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'Pilotlight control API',
        version,
        description:
          'Serverless GPU endpoints on your own machines: create, update, watch and delete them. Success is ' +
          'always 200; every refusal has the shape Error.',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: 'http://127.0.0.1:8080', description: 'A server with default settings' }],
      tags: [
        { name: 'endpoints', description: 'What serves requests' },
        { name: 'revisions', description: 'What an endpoint was, and the way back' },
        { name: 'rollouts', description: 'The way from one revision to the next' },
        { name: 'why', description: 'What was decided, and what became of requests' },
        { name: 'workers', description: 'The processes behind an endpoint' },
        { name: 'jobs', description: 'What async endpoints do: the same at `/v1/{endpoint_id}-{app_name}`' },
        { name: 'resources', description: 'Registry credentials, volumes and images' },
        { name: 'catalog', description: 'Machines and places' },
        { name: 'server', description: 'The server itself' },
      ],
      security: [{ apiKey: [] }],
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key, as `Authorization: Bearer <key>`.',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema['$id'] === 'string' ? schema['$id'] : `schema-${index}`,
    },
  });
  for (const schema of NAMED) app.addSchema(schema);
}
