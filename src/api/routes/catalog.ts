import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { EndpointService } from '../../ports/endpoint-service.ts';
import { AppError } from '../../base/errors.ts';
import { DevicesAnswer } from '../../model/device-schema.ts';
import { unixSeconds } from '../../model/endpoint-fields.ts';
import { callerOf } from '../auth.ts';
import { deviceObject, productObject, regionObject } from '../catalog-wire.ts';
import { ERROR_ANSWERS } from '../declared-answers.ts';
import { PAGE_QUERY, pageAnswer, pageOf, type PageQuery } from '../pages.ts';

const ProductQuery = Type.Object({
  ...PAGE_QUERY,
  category: Type.Unsafe<'serverless' | 'instance'>({
    type: 'string',
    enum: ['serverless', 'instance'],
    description: 'Only serverless products exist here; `instance` answers an empty list.',
  }),
  type: Type.Unsafe<'' | 'gpu' | 'cpu'>({
    type: 'string',
    enum: ['', 'gpu', 'cpu'],
    description: 'Kind of product; empty means gpu.',
  }),
  region_ids: Type.Optional(
    Type.String({ maxLength: 8192, description: 'Only products of one of these regions; comma separated.' }),
  ),
});
interface ProductParams extends PageQuery {
  readonly category: 'serverless' | 'instance';
  readonly type: '' | 'gpu' | 'cpu';
  readonly region_ids?: string;
}

export function catalogRoutes(app: FastifyInstance, service: EndpointService): void {
  app.get<{ Querystring: ProductParams }>(
    '/gpus/v2/products',
    {
      schema: {
        operationId: 'listProducts',
        summary: 'List products: the kinds of machine a worker can ask for',
        tags: ['catalog'],
        querystring: ProductQuery,
        response: { 200: pageAnswer(Type.Ref('Product#')), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const { category, type, region_ids: regionIds } = request.query;
      const wanted = (regionIds ?? '').split(',').filter((id) => id !== '');
      const products = service
        .productList()
        .filter((product) => category === 'serverless' && product.type === (type === '' ? 'gpu' : type))
        .filter((product) => wanted.length === 0 || product.regionIds.some((id) => wanted.includes(id)));
      return pageOf(products.map(productObject), request.query);
    },
  );

  app.get(
    '/gpus/v2/devices',
    {
      schema: {
        operationId: 'listDevices',
        summary: 'List the GPUs of this machine, who holds them and who else uses them',
        description: 'For admin keys: it names processes of the machine, whoever they belong to.',
        tags: ['catalog'],
        response: { 200: DevicesAnswer, ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      if (!callerOf(request).admin)
        throw new AppError(
          'FORBIDDEN',
          'Only an admin key may see the devices of the machine; ask its operator.',
        );
      const { devices, driverVersion, cudaVersion, seenAtMs } = service.deviceList();
      return {
        data: devices.map(deviceObject),
        driver_version: driverVersion,
        cuda_version: cudaVersion,
        seen_at: seenAtMs === null ? null : unixSeconds(seenAtMs),
      };
    },
  );

  app.get<{ Querystring: PageQuery }>(
    '/gpus/v2/regions',
    {
      schema: {
        operationId: 'listRegions',
        summary: 'List regions',
        tags: ['catalog'],
        querystring: Type.Object(PAGE_QUERY),
        response: { 200: pageAnswer(Type.Ref('Region#')), ...ERROR_ANSWERS },
      },
    },
    async (request) => {
      const products = service.productList();
      return pageOf(
        service.regionList().map((region) => regionObject(region, products)),
        request.query,
      );
    },
  );
}
