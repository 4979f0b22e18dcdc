import { z } from 'zod';
import * as answers from '../../schemas/answers';
import type { Operation } from './operation';

type Json = Readonly<Record<string, unknown>>;

const PROBLEM = 'application/problem+json';

/** Problems of every route of the API. */
const COMMON_PROBLEMS: Readonly<Record<number, string>> = {
  400: 'Malformed; `errors` names every wrong field',
  401: 'No API key, or a wrong one',
  413: 'The body is larger than 256 KiB',
  503: 'A dependency does not answer; send the same request again',
};

const POST_PROBLEMS: Readonly<Record<number, string>> = {
  409: 'A request with this Idempotency-Key is still running',
  415: 'The body is not application/json',
  422: 'The Idempotency-Key was used for a request with other contents',
};

/** The OpenAPI 3.1 document, made of the zod schemas that requests are checked with. */
export function openApiDocument(operations: readonly Operation[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, description: 'Durable order operations. Amounts are in minor units.' },
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: jsonSchema(answers.problemAnswer, 'output') },
    },
    paths: { ...paths, ...openPaths() },
  };
}

function describe(operation: Operation): Json {
  const problems = { ...COMMON_PROBLEMS, ...(operation.method === 'POST' && POST_PROBLEMS), ...operation.problems };
  const parameters = [
    ...[...operation.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...queryParameters(operation),
    ...(operation.method === 'POST' ? [IDEMPOTENCY_KEY] : []),
  ];
  return {
    operationId: operation.name,
    summary: operation.summary,
    security: [{ apiKey: [] }],
    parameters,
    ...(operation.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: jsonSchema(operation.body, 'input') } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, [description, schema]]) => [
          status,
          { description, content: { 'application/json': { schema: jsonSchema(schema, 'output') } } },
        ]),
      ),
      ...Object.fromEntries(Object.entries(problems).map(([status, description]) => [status, problem(description)])),
    },
  };
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A repeated key gets the first final answer, with the header Idempotency-Replayed; an answer that may change is computed again',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

function queryParameters(operation: Operation): Json[] {
  return Object.entries(operation.query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: jsonSchema(schema, 'input'),
  }));
}

function openPaths(): Json {
  const open = (summary: string, description: string, schema: z.ZodType, problems: Json): Json => ({
    summary,
    responses: {
      200: { description, content: { 'application/json': { schema: jsonSchema(schema, 'output') } } },
      ...problems,
    },
  });
  return {
    '/webhooks/stripe': {
      post: open("Stripe's signed events", 'Stored, now or by an earlier delivery', answers.webhookAnswer, {
        400: problem('The signature is missing, wrong, too old or from the future, or the event is malformed'),
        503: problem('Not stored; send the event again'),
      }),
    },
    '/healthz': { get: open('Does the process run?', 'It runs', answers.healthAnswer, {}) },
    '/readyz': {
      get: open('Can the gateway take orders?', 'It can', answers.readinessAnswer, {
        503: problem('`checks` names the dependencies that do not answer'),
      }),
    },
  };
}

function problem(description: string): Json {
  return { description, content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } } };
}

function jsonSchema(schema: z.core.$ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  return rest;
}
