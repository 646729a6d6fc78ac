/** Connectionist temporal classification against torch.nn.CTCLoss: the loss and its gradient. */
import { ctc, Random, tensor } from '../index';
import type { Pass } from '../bptt/network/passes/pass';
import { describeWith, pythonWith, run } from './outside';

const script = `
import json, sys, torch
for case in json.load(sys.stdin):
    y = torch.tensor(case["y"], dtype=torch.float64, requires_grad=True)
    logp = torch.log_softmax(y, -1)
    labels = torch.tensor([k for row in case["targets"] for k in row], dtype=torch.long)
    sizes = torch.tensor([len(row) for row in case["targets"]])
    loss = torch.nn.functional.ctc_loss(logp, labels, torch.tensor(case["lengths"]), sizes, case["blank"], case["reduction"])
    loss.backward()
    print(json.dumps({"loss": loss.item(), "dy": y.grad.flatten().tolist()}))
`;

const random = new Random(7);
const [T, B, O] = [12, 4, 5];
const cases = [0, 4].flatMap((blank) =>
  (['mean', 'sum'] as const).map((reduction) => ({
    y: Array.from({ length: T }, () =>
      Array.from({ length: B }, () => Array.from({ length: O }, () => 3 * random.normal())),
    ),
    targets: [[2], [1, 1, 3], [3, 2, 1, 2], [1, 2, 3, 3, 1, 2]],
    lengths: [12, 7, 4, 10],
    ...{ blank, reduction },
  })),
);

const python = pythonWith('torch');
describeWith(python, 'python3-torch, for its CTCLoss')('PyTorch', () => {
  test('has the same loss and gradient, for rows of unequal length, with either blank and reduction', () => {
    const printed = run(python as string, ['-c', script], JSON.stringify(cases))
      .trim()
      .split('\n');
    expect(printed).toHaveLength(cases.length);
    cases.forEach(({ y, targets, lengths, blank, reduction }, k) => {
      const theirs = JSON.parse(printed[k]) as { loss: number; dy: number[] };
      const output = tensor(y);
      const { loss, ...rest } = ctc({ blank, reduction })({ output } as Pass, { x: [], targets, lengths });
      const { numbers } = rest.output as unknown as { numbers: Float64Array };
      expect(Math.abs(loss - theirs.loss)).toBeLessThan(1e-10 * Math.abs(theirs.loss));
      const worst = Math.max(...theirs.dy.map((d, n) => Math.abs(d - numbers[n])));
      expect(worst).toBeLessThan(1e-10);
    });
  });
});
