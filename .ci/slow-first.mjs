// Without times of an earlier run jest begins with the largest files. Those of the matrix are small and take the longest.
import Sequencer from '@jest/test-sequencer';

const isOfMatrix = (test) => test.context.config.displayName?.name === 'matrix';

export default class SlowFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(isOfMatrix), ...sorted.filter((test) => !isOfMatrix(test))];
  }
}
