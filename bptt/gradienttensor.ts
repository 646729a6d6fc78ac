/** Tensors for gradients; without a backward pass they have a shape but no memory. */
import ndarray from 'ndarray';
import type { Data, Dtype } from '../core/memory';
import { zeros, type Tensor } from '../core/tensor';

const nowhere = { float32: new Float32Array(0), float64: new Float64Array(0) };

/** A new tensor for a gradient; without a backward pass, a tensor that has a shape but no memory. */
export const gradientTensor = (shape: number[], dtype: Dtype, forwardOnly = false): Tensor =>
  forwardOnly ? ndarray<Data>(nowhere[dtype], shape) : zeros(shape, dtype);

/** Whether a gradient has no memory. */
export const isNowhere = ({ data }: Tensor): boolean => data === nowhere.float32 || data === nowhere.float64;
