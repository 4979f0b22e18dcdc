import { failureKind, failureTypes, NEVER_RETRIED } from '../../../../workflows/domain/shared/errors';

describe('failureKind', () => {
  it.each([
    [failureTypes.undone, 'refusal'],
    [failureTypes.refused, 'refusal'],
    [failureTypes.notFound, 'refusal'],
    [failureTypes.providerUnavailable, 'passing'],
    [failureTypes.storageUnavailable, 'passing'],
    [failureTypes.unknownOutcome, 'unknown'],
    [undefined, 'unknown'],
    [failureTypes.defect, 'defect'],
    ['TypeError', 'defect'],
    ['URIError', 'defect'],
    ['Error', 'defect'],
    ['constructor', 'defect'],
  ] as const)('%s is of kind %s', (type, kind) => expect(failureKind(type)).toBe(kind));

  it('lets Temporal retry what passes, and nothing else of ours', () => {
    const retried = Object.values(failureTypes).filter((type) => !NEVER_RETRIED.includes(type));
    expect(retried).toEqual([failureTypes.providerUnavailable, failureTypes.storageUnavailable]);
    expect(NEVER_RETRIED).toContain('TypeError');
  });
});
