"""Attention, and recurrence over a stack of layers or one step."""

from twice.autograd import Tensor, op
from twice.creation import random_source
from twice.kernels import attention as attentions
from twice.kernels import recurrent

rnn_stack, lstm_stack = op(recurrent.rnn_stack), op(recurrent.lstm_stack)
rnn_cell, lstm_cell, gru_cell = op(recurrent.rnn_cell), op(recurrent.lstm_cell), op(recurrent.gru_cell)
_scaled, _multi_head = op(attentions.scaled_dot_product_attention), op(attentions.multi_head_attention)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q kᵀ·scale + mask) v; a boolean mask says who may be attended"""
    options = {"is_causal": is_causal, "scale": scale, "enable_gqa": enable_gqa}
    return _scaled(query, key, value, attn_mask, dropout_p=dropout_p, rng=random_source(), **options)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    batch_first: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Project, attend with several heads, project; (output, weights or None). A mask's True says who may not"""
    if static_k is not None or static_v is not None:
        raise NotImplementedError("multi_head_attention_forward: static_k and static_v are not supported")
    if query.shape[-1] != embed_dim_to_check:
        raise ValueError(f"multi_head_attention: query has shape {query.shape}, expected {embed_dim_to_check} features")
    projections = q_proj_weight, k_proj_weight, v_proj_weight
    answer = _multi_head(
        *(query, key, value),
        *(None if use_separate_proj_weight else in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias),
        *(projections if use_separate_proj_weight else (None, None, None)),
        *(bias_k, bias_v, attn_mask, key_padding_mask),
        num_heads=num_heads,
        add_zero_attn=add_zero_attn,
        dropout_p=dropout_p,
        training=training,
        need_weights=need_weights,
        average_attn_weights=average_attn_weights,
        is_causal=is_causal,
        batch_first=batch_first,
        rng=random_source(),
    )
    return answer if need_weights else (answer, None)
