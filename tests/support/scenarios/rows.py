"""What was tried with Keras 3.15.1's own saving, by table; each is a test of kport.

Tables a, b and f are models; their rows stand with scenarios, or with what is refused. Table c are
optimizers; table d are failures and e are measures, each with the tests that show it.
"""

from __future__ import annotations

__all__ = ["ELSEWHERE", "NOT_BY_KERAS", "ROWS"]

_TABLES = {
    "a": """
        nested_sub_nobuild nested_layers_nobuild functional_with_sub_layer_nobuild
        data_dependent_call two_arg_call optional_kwarg_tensor optional_kwarg_first_call_without
        dict_input_subclass list_input_subclass lazy_in_call_model lazy_in_call_layer containers
        dict_order_changed_on_load layer_in_frozenset layer_in_plain_object shared_two_attrs
        shared_via_ctor_args tied_variable tied_dense_kernel_functional reversible_embedding
        custom_add_weight list_and_raw_variables batchnorm_trained dropout_seedgen
        custom_seed_generator stateful_gru gan_two_optimizers ctor_arg_no_get_config
        ctor_layer_arg_auto_config unbuilt_unused_sublayer branch_only_in_training
        property_returning_layer
    """,
    "b": """
        trainable_sequential trainable_functional_nested trainable_whole_submodel
        trainable_subclassed_inner trainable_subclassed_nested_model
        trainable_custom_layer_in_functional variable_trainable_flag
        trainable_false_then_compiled_adam frozen_after_training_adam subclassed_frozen_then_adam
        dtype_mixed_bfloat16 dtype_mixed_float16 dtype_bfloat16 dtype_float16
        dtype_global_policy_subclassed dtype_per_layer_subclassed dtype_policy_map quant_int8
        quant_int4 quant_float8 quant_int8_embedding_einsum quant_int8_subclassed
        quant_int8_partial_filter lora_dense lora_subclassed lora_int8
        lora_trained_adapter_values_kept spectral_norm_weightnorm
    """,
    "c": """
        sgd_mom adam adam_amsgrad adamw_ema adamw_gradaccum rmsprop nadam lion adafactor ftrl
        adagrad adadelta adamax lamb lossscale_adam muon adam_cosine sgd_customsched adam_clip_wd
        adam_wd_exclude adam_lr_assigned multi_lr_float_after_lrplateau schedulefree
        custom_loss_metric fn_loss_fn_metric drop_adam
    """,
    "d": """
        attributes_made_in_another_order class_that_is_not_registered class_renamed
        one_name_for_two_classes constructor_changed newer_keras weights_missing_or_extra
        weights_left_over optimizer_incomplete shape_mismatch value_beyond_the_dtype altered_value
        bit_flip truncated no_config load_weights_fails no_such_directory fewer_shards killed
        disk_full exception_in_a_save two_saves_at_once
    """,
    "e": "same_bytes part_alone tensorflow_imported",
    "f": """
        func_ops func_ops_image func_getitem_ellipsis_newaxis func_ops_with_constant_keras_variable
        func_lambda func_lambda_named func_lambda_named_unregistered activation_named_registered
        activation_lambda activation_ops_fn activation_backend_fn nested_shared_submodel
        shared_layer_in_two_submodels layer_of_submodel_reused_outside multi_io_dict
        nested_list_inputs mask_embedding_lstm mha_with_attention_mask_arg custom_rnn_cell
        time_distributed_conv conv_channels_first normalization text_vectorization_model
        text_vectorization_functional text_vectorization_custom_std
        string_lookup_adapt_newline_vocab string_lookup_vocab_arg string_lookup_vocab_file
        string_lookup_tfidf integer_lookup_discretization_hashing random_flip_augment
        feature_space closure_ctor_arg tuple_in_config_roundtrip numpy_bytes_complex_config
        nan_inf_config
    """,
}

ROWS = {table: rows.split() for table, rows in _TABLES.items()}

# Rows that are no model to save: Keras refuses to make it; see tests/model/test_scenarios.py.
NOT_BY_KERAS = ("lazy_in_call_layer", "lazy_in_call_model", "tied_dense_kernel_functional")

# Row -> the test that shows it, from the root of the tests.
ELSEWHERE = {
    "dict_order_changed_on_load": (
        "model/test_round_trip.py::test_a_dict_of_layers_is_kept_by_key_not_by_order"
    ),
    "attributes_made_in_another_order": (
        "model/test_scenarios.py::test_the_order_of_attributes_is_no_matter"
    ),
    "class_that_is_not_registered": (
        "model/test_errors.py::test_every_missing_class_is_named_at_once"
    ),
    "class_renamed": (
        "components/test_register.py::test_an_alias_in_a_file_leads_to_the_new_class"
    ),
    "one_name_for_two_classes": (
        "components/test_register.py::test_a_second_class_under_one_name_is_refused"
    ),
    "constructor_changed": (
        "components/test_register.py::test_a_missing_upgrade_is_named_with_the_line_to_write"
    ),
    "newer_keras": "model/test_errors.py::test_a_layer_of_a_newer_keras_is_missing_not_unsafe",
    "weights_missing_or_extra": (
        "model/test_errors.py::test_code_that_lost_a_layer_is_no_silent_loss"
    ),
    "weights_left_over": (
        "model/test_errors.py::test_load_weights_without_strict_reports_what_is_left"
    ),
    "optimizer_incomplete": (
        "model/test_errors.py::test_an_optimizer_that_has_no_place_is_no_silent_loss"
    ),
    "shape_mismatch": "model/test_errors.py::test_a_shape_mismatch_names_both_sides",
    "value_beyond_the_dtype": (
        "model/test_errors.py::test_a_value_that_does_not_fit_the_dtype_is_no_silent_infinity"
    ),
    "altered_value": (
        "formats/test_integrity.py::test_a_flipped_bit_in_a_tensor_names_it_and_no_other"
    ),
    "bit_flip": "formats/test_integrity.py::test_a_flipped_bit_anywhere_is_found",
    "truncated": "formats/test_keras_archive.py::test_a_truncated_archive_says_so",
    "no_config": "formats/test_keras_archive.py::test_damaged_members_are_named",
    "load_weights_fails": "model/test_errors.py::test_load_weights_is_all_or_nothing",
    "no_such_directory": "misuse/test_misuse.py::test_targets_that_nothing_can_be_written_to",
    "fewer_shards": "formats/test_bundle_shards.py::test_fewer_shards_leave_no_old_ones",
    "killed": "formats/test_atomic.py::test_a_killed_writer_leaves_a_whole_directory",
    "disk_full": "torture/test_torture.py::test_a_save_that_cannot_be_finished_says_so",
    "exception_in_a_save": (
        "formats/test_keras_archive.py::test_a_failing_source_keeps_the_old_archive"
    ),
    "two_saves_at_once": "torture/test_torture.py::test_the_model_is_whole_and_nothing_is_left",
    "same_bytes": "model/test_round_trip.py::test_saving_twice_gives_identical_bytes",
    "part_alone": "model/test_parts.py::test_only_the_parts_values_are_read",
    "tensorflow_imported": (
        "model/test_keras_private.py::test_neither_saving_nor_loading_imports_tensorflow"
    ),
}
