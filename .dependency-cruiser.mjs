/**
 * The house's rules for imports, type-only ones included: arrows point one way (clients -> workflows <- activities,
 * workers -> all; tests see everything, nothing sees tests), and no file reaches itself through others.
 */
const foundations = 'postgres|audit|orders|payments|inventory|exceptions|events|notices';
const stories = 'refunds|disputes|subscriptions|settlement';

const never = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: typeof to === 'string' ? { path: to } : to,
});

export default {
  forbidden: [
    never('no-circle', '', { circular: true }, 'Move what both need to a file of its own.'),
    never(
      'workflows-are-deterministic',
      '^workflows/',
      { pathNot: '^(workflows/|node_modules/@temporalio/(workflow|common)/)' },
      'Workflow code depends on @temporalio/workflow and on nothing else.',
    ),
    never('domain-is-pure', '^workflows/domain/', '^workflows/(?!domain/)', 'Rules know nothing of who applies them.'),
    never(
      'kit-knows-no-story',
      '^workflows/kit/',
      '^workflows/(?!kit/|domain/)',
      'The kit is what stories are made of.',
    ),
    never('activities', '^activities/', '^(workers|clients|test)/', 'Activities are called by workers.'),
    never('clients', '^clients/', '^(activities|workers|test)/', 'Clients talk to workflows only.'),
    never('workers', '^workers/', '^test/', 'The product does not see its tests.'),
    never(
      'embedded',
      '^(?!workers/(embedded|demo|processes)/|test/)',
      '^workers/embedded/',
      'Only the stack, the demo and tests start servers.',
    ),
    never(
      'storage-knows-no-provider',
      '^activities/storage/',
      '^activities/(?!storage/|crypto)',
      'Storage is Postgres alone.',
    ),
    never(
      'provider-stops-at-its-adapter',
      '^(clients|workflows|activities/(?!stripe/))',
      '^node_modules/stripe/',
      "A provider's SDK stops at its adapter.",
    ),
    {
      name: 'declared-dependencies',
      comment: 'What a workspace imports is in its own package.json, so that a part can be installed without the rest.',
      severity: 'error',
      from: { path: '^(workflows|activities|clients|workers)/.*\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'stories-do-not-import-each-other',
      comment: 'Stories of storage import the foundations, never each other.',
      severity: 'error',
      from: { path: `^activities/storage/(${foundations}|${stories})/` },
      to: { path: `^activities/storage/(${stories})/`, pathNot: '^activities/storage/$1/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
  },
};
