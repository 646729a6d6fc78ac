/** The parts of an exported PyTorch script that run an encoder-decoder, with or without attention. */
import type { Architecture } from '../../bptt/network/architecture';
import type { AttentionScore } from '../../bptt/network/layers/attention';
import { inputOf, isBidirectional, widthOf, type Layer } from '../../bptt/network/layers/layer';
import { must, mustBe } from '../../core/check';
import { lossOf } from '../../losses';
import { torchModule } from './parameters';
import { headOf, moduleCall, oneDropout } from './module';

const where = 'torch';

/** The encoder reads `x`, the decoder the classes before its targets. */
export function encoderDecoderLines(
  architecture: Architecture,
): Record<'classes' | 'model' | 'given' | 'again' | 'states' | 'carried', string> {
  const { encoder = [], layers, attention, feed, start = 0, embedding, encoderEmbedding } = architecture;
  const { loss, trainInitial } = architecture;
  const dropout = oneDropout(architecture);
  mustBe(feed === 'given', where, 'a decoder must read the targets in training', feed);
  const classes = loss !== undefined && lossOf(loss).targets === 'classes';
  mustBe(classes, where, 'the loss of an encoder-decoder must be of classes, which the decoder reads', loss);
  mustBe(!trainInitial, where, 'trainInitial must be off for an encoder-decoder', trainInitial);
  const [enc, dec] = [moduleOf(encoder, 'encoder', dropout), moduleOf(layers, 'layers', dropout)];
  const table = (name: string, of: typeof embedding): string =>
    of ? `\n        self.${name} = nn.Embedding(${of.input}, ${of.width})` : '';
  const read = (x: string, name: string, of: typeof embedding, width: number): string =>
    of ? `self.dropout(self.${name}(${x}))` : `F.one_hot(${x}, ${width}).to(next(self.parameters()).dtype)`;
  const D = encoderEmbedding?.input ?? inputOf(encoder[0]);
  const both = isBidirectional(encoder[0]);
  return {
    ...{ classes: '', states: '[]', carried: 'carried', again: '' },
    given: `(batch["x"], torch.cat([torch.full_like(batch["targets"][:1], ${start}), batch["targets"][:-1]]))`,
    model: `    def __init__(self):
        super().__init__()
        self.enc = ${enc}${table('enc.embedding', encoderEmbedding)}${table('embedding', embedding)}
        self.dec = ${dec}${attention ? attentionMembers(attention, widthOf(layers[layers.length - 1]), widthOf(encoder[encoder.length - 1])) : ''}
        self.dropout = nn.Dropout(${dropout})
        self.head = ${headOf(architecture)}

    def read(self, x):
        """The outputs of the encoder for x [S, B, ${D}], or class numbers [S, B], and the states that the decoder starts from."""
        if x.dtype == torch.int64:
            x = ${read('x', 'enc.embedding', encoderEmbedding, D)}
        e, state = self.enc(x)
        ${both ? 'return e, tuple(side_by_side(s) for s in state) if isinstance(state, tuple) else side_by_side(state)' : 'return e, state'}

    def write(self, before, state, e):
        """The outputs [T, B, ·] after the classes \`before\` [T, B], and the states to go on from."""
        h, state = self.dec(${read('before', 'embedding', embedding, inputOf(layers[0]))}, state)
${attention ? attentionLines(attention, dropout) : ''}        return self.head(self.dropout(h)), state

    def forward(self, x, before):
        """x is read by the encoder, \`before\` by the decoder."""
        e, state = self.read(x)
        return self.write(before, state, e)[0], ()

${both ? SIDE_BY_SIDE : ''}`,
  };
}

const SIDE_BY_SIDE = `
def side_by_side(state):
    """The final states of both directions of each layer [2L, B, H] as those of the decoder [L, B, 2H]."""
    return torch.cat([state[0::2], state[1::2]], -1)

`;

function moduleOf(layers: readonly Layer[], name: string, dropout: number): string {
  const module = torchModule(layers);
  const why = 'PyTorch has a module of such layers alone';
  must(
    module !== undefined,
    where,
    `the ${name} of an encoder-decoder must be one nn.RNN, LSTM or GRU`,
    'others',
    why,
  );
  return moduleCall(layers, module, dropout);
}

function attentionMembers(score: AttentionScore, H: number, M: number): string {
  const linear = (from: number, to: number): string => `nn.Linear(${from}, ${to}, bias=False)`;
  const all = {
    Wc: linear(M + H, H),
    ...(score === 'general' && { Wa: linear(H, M) }),
    ...(score === 'additive' && { Wq: linear(H, H), Wk: linear(M, H), v: linear(H, 1) }),
  };
  const members = Object.entries(all).map(([name, made]) => `"${name}": ${made}`);
  return `\n        self.attention = nn.ModuleDict({${members.join(', ')}})`;
}

const scores: Record<AttentionScore, string> = {
  dot: 'torch.einsum("tbh,sbh->tbs", h, e)',
  general: 'torch.einsum("tbm,sbm->tbs", self.attention["Wa"](h), e)',
  additive:
    'self.attention["v"](torch.tanh(self.attention["Wq"](h)[:, None] + self.attention["Wk"](e)))[..., 0].transpose(1, 2)',
};

const attentionLines = (score: AttentionScore, dropout: number): string =>
  `${dropout > 0 ? '        e = self.dropout(e)\n' : ''}        weights = ${scores[score]}.softmax(-1)
        context = torch.einsum("tbs,sbm->tbm", weights, e)
        h = torch.tanh(self.attention["Wc"](torch.cat([context, h], -1)))
`;
