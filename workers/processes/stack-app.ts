import type { WorkerInterceptors } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createSampleCatalogue } from '../../activities/storage';
import type { Gateway } from '../../clients/gateway';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import { App, logSink } from './app';
import type { MoneyBackPolicies } from './app';
import { parseConfig } from '../config/config';
import type { CommandLine } from './command-line';
import { createRedisClient } from '../embedded/servers/redis';
import { startEmbeddedStack } from '../embedded/stack';
import type { FilledConfig, Stack } from '../embedded/stack';
import { paymentLink } from './process';
import { setUp } from '../setup/set-up';
import type { StepResult } from '../setup/step';
import { StartRefused } from './start-refused';

/** The embedded stack with Holdfast on top of it, in one process. */
export interface StackApp {
  readonly stack: Stack;
  readonly app: App;
  readonly gateway: Gateway;
  /** Resolves with the reason where the stack cannot continue; the caller must stop it then. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

export interface StackAppOptions {
  readonly commandLine: CommandLine;
  readonly log: Logger;
  /** One line for a person. */
  readonly say: (line: string) => void;
  readonly policy?: Partial<OrderPolicy>;
  readonly dunning?: Partial<DunningPolicy>;
  readonly moneyBack?: MoneyBackPolicies;
  readonly interceptors?: WorkerInterceptors;
  /** The worker runs elsewhere. */
  readonly withoutWorker?: boolean;
}

/** Starts what is not configured, then worker, relays and gateway. Where a part fails, the others are stopped. */
export async function startStackApp(options: StackAppOptions): Promise<StackApp> {
  const { commandLine, log, say } = options;
  const config = parseConfig(process.env);
  const stack = await startEmbeddedStack({ config, options: commandLine, log: say });
  let app: App | undefined;
  let giveUp: (reason: string) => void = () => undefined;
  const failed = Promise.race([stack.failed, new Promise<string>((resolve) => (giveUp = resolve))]);
  try {
    const filled = stack.config;
    await prepare(filled);
    app = await App.connect(
      {
        temporal: filled.temporal,
        databaseUrl: filled.databaseUrl,
        stripe: filled.stripe,
        retention: filled.retention,
        ...(filled.stripeLimits === undefined ? {} : { stripeLimits: filled.stripeLimits }),
        ...(filled.notifications === undefined ? {} : { notifications: filled.notifications }),
        encryptionKeys: filled.encryptionKeys,
        apiKeys: filled.apiKeys,
        paymentLink: paymentLink(config.paymentLink, `http://127.0.0.1:${filled.port}`),
        ...(options.policy === undefined ? {} : { policy: options.policy }),
        ...(options.dunning === undefined ? {} : { dunning: options.dunning }),
        ...(options.moneyBack === undefined ? {} : { moneyBack: options.moneyBack }),
      },
      createRedisClient(stack.redis),
      log,
    );
    // Only the embedded database gets sample items: a shop's own catalogue is never changed.
    if (config.databaseUrl === undefined) await createSampleCatalogue(app.dependencies.pool);
    if (options.withoutWorker !== true) {
      await app.startWorker((error) => {
        log.fatal({ err: error }, 'the worker ended by itself');
        giveUp('The worker ended by itself');
      }, options.interceptors);
    }
    app.startRelays([logSink(log)]);
    const gateway = await app.startGateway('127.0.0.1', filled.port);
    stack.stripeSimulator?.setWebhookEndpoint(`${gateway.url}/webhooks/stripe`);
    const started = app;
    return {
      stack,
      app: started,
      gateway,
      failed,
      async stop() {
        await started.stop();
        await stack.stop();
      },
    };
  } catch (error) {
    await app?.stop();
    await stack.stop();
    throw error;
  }
}

/** The steps of `holdfast setup`. @throws StartRefused naming those that failed */
async function prepare(config: FilledConfig): Promise<void> {
  const failed: StepResult[] = [];
  const report = (result: StepResult): void => void (result.state === 'failed' && failed.push(result));
  if (await setUp(config, { dryRun: false, report })) return;
  throw new StartRefused(failed.map(({ step, text, next }) => `${step}: ${text}. ${next ?? ''}`).join('\n'));
}

/** What scripts need to talk to a running stack; see the README. */
export function describeStack({ stack, gateway }: StackApp): Readonly<Record<string, unknown>> {
  const { config, temporal, redis, stripeSimulator, mail } = stack;
  return {
    gateway: gateway.url,
    apiKey: config.apiKeys[0],
    temporal: temporal.address,
    temporalUi: temporal.uiUrl ?? null,
    postgres: config.databaseUrl,
    redis: 'url' in redis ? redis.url : null,
    stripe: {
      url: config.stripe.apiUrl ?? 'https://api.stripe.com',
      secretKey: stripeSimulator === undefined ? null : config.stripe.secretKey,
      webhookSecret: stripeSimulator === undefined ? null : config.stripe.webhookSecrets[0],
    },
    // Reserved for scripts: null until there is an Amazon simulator.
    spApi: null,
    mail: mail === undefined ? null : { url: mail.url, smtp: mail.smtpUrl },
  };
}
